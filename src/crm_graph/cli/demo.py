"""`crm-graph demo`: load the demo organisations and say who there is to be."""

from crm_graph import demo as demo_organisation
from crm_graph.cli.options import DatabaseUrl, DataDir, databases, say, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.demo.personas import FILE, table


def demo(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Load the demo organisations where they are missing, and write and print the personas."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    with stopping(), databases(settings) as urls:
        personas = demo_organisation.ensure(urls.application, settings.data_dir, urls.owner, say)
        print(table(personas))
        print(f"\nThe tokens are also in {settings.data_dir / FILE}; for local use only.")
