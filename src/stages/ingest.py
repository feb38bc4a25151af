"""ingest: the source table -> one typed Parquet and its schema; what the domain demands of it is checked."""

from plumbline import params, paths
from plumbline.files import replacing, write_text
from plumbline.findings import Findings, Kind
from plumbline.pipeline import ingest
from plumbline.pipeline.stage import run

PARAMS = (
    "data.source", "data.target", "data.task", "data.positive", "data.key", "data.group", "data.time", "data.weight",
    "data.ignore", "data.types", "data.unlabelled", "data.missing", "data.show_values", "requirements.protected",
)  # fmt: skip


def main() -> None:
    p, findings = params.read(*PARAMS), Findings("ingest")
    with replacing(paths.TABLE) as table:
        schema = ingest.type_table(p, table, findings)
        ingest.check_expectations(p, str(table), findings)
    write_text(paths.SCHEMA, schema.dumps())
    findings.add(Kind.SCHEMA, ingest.describe(schema))
    findings.write()


if __name__ == "__main__":
    run("ingest", main)
