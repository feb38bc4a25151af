"""Stage ingest: read the source, write a typed Parquet and its schema, and validate the table against its suite."""

from plumbline import params, paths
from plumbline.files import replacing, write_text
from plumbline.findings import Findings, Kind
from plumbline.pipeline import ingest
from plumbline.pipeline.stage import run

PARAMS = (
    "data.source",
    "data.target",
    "data.task",
    "data.positive",
    "data.key",
    "data.group",
    "data.time",
    "data.weight",
    "data.ignore",
    "data.types",
    "data.unlabelled",
    "data.missing",
    "data.show_values",
    "requirements.protected",
)


def main() -> None:
    """Run the stage."""
    p, findings = params.read(*PARAMS), Findings("ingest")
    with replacing(paths.TABLE) as table:
        schema = ingest.type_table(p, table, findings)
        ingest.check_expectations(p, str(table), findings)
    write_text(paths.SCHEMA, schema.dumps())
    findings.add(Kind.SCHEMA, ingest.describe_inputs(schema))
    findings.write()


if __name__ == "__main__":
    run("ingest", main)
