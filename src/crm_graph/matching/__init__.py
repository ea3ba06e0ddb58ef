"""Whether two names are one company. Knows no database, no caller and no request."""

from crm_graph.matching.companies import LONG, same_company
from crm_graph.matching.names import CompanyName, company_name

__all__ = ["LONG", "CompanyName", "company_name", "same_company"]
