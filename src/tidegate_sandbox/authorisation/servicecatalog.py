"""Service Catalog: ids of products and portfolios are no names of ours, and no role of a project calls it."""

from tidegate_sandbox.authorisation.table import Table

TABLE = Table(namespace="catalog", passed_to="servicecatalog.amazonaws.com", resources={})
