"""The benchmark: crm-graph beside the limit and beside plain servers, on 200,000 customers, in one run."""
