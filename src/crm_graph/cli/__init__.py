"""The commands of `crm-graph`, one file each; `crm_graph.__main__` lists them."""
