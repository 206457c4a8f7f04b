"""Plans: what a release will do, said before it starts."""

from tidegate.plan.build import Asked, plan_release
from tidegate.plan.document import document
from tidegate.plan.html import as_html
from tidegate.plan.model import Kind, Level, Plan, Remark, Version
from tidegate.plan.price import PriceFound, ask_price
from tidegate.plan.publish import console_address, publish, tell_pipeline
from tidegate.plan.situation import OFFLINE, ClientMaker, Situation, read_situation, with_settings
from tidegate.plan.text import Ink, as_text, ink_for

__all__ = [
    "OFFLINE",
    "Asked",
    "ClientMaker",
    "Ink",
    "Kind",
    "Level",
    "Plan",
    "PriceFound",
    "Remark",
    "Situation",
    "Version",
    "as_html",
    "as_text",
    "ask_price",
    "console_address",
    "document",
    "ink_for",
    "plan_release",
    "publish",
    "read_situation",
    "tell_pipeline",
    "with_settings",
]
