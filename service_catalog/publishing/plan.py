"""What publishing will change, found out by looking alone: each step says what it does before it does it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import yaml

from service_catalog.names import template_key
from service_catalog.portfolio.offer import Offer, Version, version
from service_catalog.project.parameters import GITS, Git
from service_catalog.publishing.account import Account, PublishError
from service_catalog.publishing.admin_bucket import AdminBucket
from service_catalog.publishing.admin_stack import AdminStack
from service_catalog.publishing.catalogue import Catalogue, Guidance
from service_catalog.publishing.difference import difference
from service_catalog.publishing.published import Published, Route, read
from service_catalog.publishing.release import Release, prepare
from service_catalog.publishing.studio import Studio
from service_catalog.publishing.synth import synthesise_portfolio, to_json

OLDER = "older"


@dataclass(frozen=True)
class Request:
    """What a person asks for; what earlier runs were asked for stays."""

    routes: tuple[Route, ...] = ()
    principals: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    deprecate: tuple[str, ...] = ()
    restore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One change: what it `says`, and how it is done."""

    says: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Plan:
    """All that publishing changes, in order; nothing, if there are no steps."""

    release: Release
    routes: tuple[Route, ...]
    principals: tuple[str, ...]
    steps: tuple[Step, ...]


def plan(account: Account, request: Request) -> Plan:
    """Return what publishing this checkout into `account` changes there; nothing is changed yet.

    Raises PublishError for what cannot be done as it is asked for.
    """
    return _Planner(account, request).plan()


class _Planner:
    def __init__(self, account: Account, request: Request) -> None:
        self._account = account
        self._request = request
        self._bucket, self._stack = AdminBucket(account), AdminStack(account)
        self._is_there = self._bucket.exists()
        self._before = read(self._bucket, self._stack)
        wanted = {*self._before.routes, *request.routes} or {"service-catalog"}
        self._routes: tuple[Route, ...] = tuple(sorted(wanted))
        self._principals = tuple(sorted({*self._before.principals, *request.principals}))

    def plan(self) -> Plan:
        self._check()
        release = prepare(self._bucket.name, self._before.stored)
        steps = (
            *self._bucket_steps(),
            *self._upload_steps(release),
            *self._stack_steps(release),
            *self._gallery_steps(release),
            *self._domain_steps(),
            *self._guidance_steps(release),
        )
        return Plan(release, self._routes, self._principals, steps)

    def _check(self) -> None:
        if "s3" not in self._routes:
            if self._request.domains:
                raise PublishError("--domain-id is for templates in S3, which are not published: add --route s3.")
            return
        foreign = [each for each in self._principals if each.split(":")[4] != self._account.id]
        if foreign:
            raise PublishError(
                f"{', '.join(foreign)} is not of account {self._account.id}: what launching from S3 takes can be "
                "given only to roles, users and groups of the account itself. Service Catalog has no such bound."
            )

    # ------------------------------------------------------------ what is put where
    def _bucket_steps(self) -> Iterator[Step]:
        if not self._is_there:
            yield Step(f"+ bucket {self._bucket.name}: private, encrypted, versioned, TLS only", self._bucket.ensure)
        if "s3" in self._routes and not (self._is_there and self._bucket.lets_studio_in()):
            yield Step(f"+ CORS of {self._bucket.name}: pages of Studio may ask for it", self._bucket.let_studio_in)

    def _upload_steps(self, release: Release) -> Iterator[Step]:
        before = self._templates_before()
        for key, content, kind in release.uploads():
            if not (self._is_there and self._bucket.has(key)):
                says = [f"+ s3://{self._bucket.name}/{key} ({len(content):,} bytes)"]
                for git, template in release.templates.items():
                    if key == release.key(git) and git in before:
                        says += self._told_of_launches(*before[git], template)
                yield Step("\n".join(says), partial(self._bucket.put, key, content, kind))

    def _templates_before(self) -> dict[Git, tuple[str, str]]:
        """Return the name of the newest version that is published, and each variant's template of it."""
        if not self._before.stored:
            return {}
        newest = self._before.stored[-1]
        keys = {git: template_key(git, newest) for git in GITS}
        return {git: (newest, self._bucket.get(key).decode()) for git, key in keys.items() if self._bucket.has(key)}

    @staticmethod
    def _told_of_launches(name: str, before: str, after: str) -> list[str]:
        changes = difference(yaml.safe_load(before), yaml.safe_load(after))
        return [f"    in what is launched, compared with {name}:", *(f"      {each.headline}" for each in changes)]

    def _stack_steps(self, release: Release) -> Iterator[Step]:
        template = synthesise_portfolio(self._offer(release))
        changes = difference(self._before.template, template)
        if changes:
            verb = "~" if self._before.template else "+"
            lines = [f"    {line}" for change in changes for line in str(change).splitlines()]
            says = "\n".join([f"{verb} stack {self._stack.name}:", *lines])
            yield Step(says, lambda: self._stack.apply(self._bucket.hand_over(to_json(template))))

    def _offer(self, release: Release) -> Offer:
        products = {git: self._versions(git, release) for git in GITS} if "service-catalog" in self._routes else {}
        templates = self._bucket.name if "s3" in self._routes else None
        return Offer(self._principals, products, templates, store=self._bucket.name)

    def _versions(self, git: Git, release: Release) -> tuple[Version, ...]:
        """Return the versions of a product, this one with them: one that is left out would be deleted."""
        known = self._before.products.get(git, ())
        if any(each["Name"] == release.version for each in known):
            return known
        return (*known, version(release.version, self._bucket.url(release.key(git))))

    # ------------------------------------------------------------ what is shown
    def _gallery_steps(self, release: Release) -> Iterator[Step]:
        if "s3" in self._routes:
            for git in GITS:
                yield from self._visibility(release.key(git), visible=True)

    def _visibility(self, key: str, *, visible: bool) -> Iterator[Step]:
        is_there = self._is_there and self._bucket.has(key)
        if (is_there and self._bucket.is_visible(key)) != visible:
            says = f"~ {key}: {'shown in' if visible else 'gone from'} Studio's gallery of S3 templates"
            yield Step(says, partial(self._bucket.show, key, visible=visible))

    def _domain_steps(self) -> Iterator[Step]:
        studio, location = Studio(self._account), self._bucket.location
        for domain in map(studio.domain, self._request.domains):
            if domain.location and domain.location != location:
                raise PublishError(
                    f"Studio domain {domain.id} shows the templates at {domain.location} already, and a domain shows "
                    f"one place. Put what it is to show into one place, or take its tag away, then run this again."
                )
            if not domain.location:
                says = f"+ tag of Studio domain {domain.id} ({domain.name}): it shows {location}"
                yield Step(says, partial(studio.show, domain, location))

    # ------------------------------------------------------------ what is still to be launched
    def _guidance_steps(self, release: Release) -> Iterator[Step]:
        deprecated = self._named(self._request.deprecate, release)
        if release.version in deprecated:
            raise PublishError(
                f"Version {release.version} is the newest, which is what Studio launches: publish another one first."
            )
        restored = self._named(self._request.restore, release)
        if both := sorted({*deprecated} & {*restored}):
            raise PublishError(f"Version {both[0]} cannot be deprecated and restored at once.")
        wanted: dict[str, Guidance] = dict.fromkeys(deprecated, "DEPRECATED")
        wanted |= dict.fromkeys(restored, "DEFAULT")
        if "service-catalog" in self._routes:
            yield from self._in_catalogue(wanted)
        if "s3" in self._routes:
            for name, guidance in wanted.items():
                for git in GITS:
                    if self._bucket.has(key := template_key(git, name)):
                        yield from self._visibility(key, visible=guidance == "DEFAULT")

    def _in_catalogue(self, wanted: dict[str, Guidance]) -> Iterator[Step]:
        catalogue = Catalogue(self._account)
        for git, product in self._before.product_ids.items() if wanted else ():
            for each in catalogue.versions(product):
                guidance = wanted.get(each.name)
                if guidance and guidance != each.guidance:
                    says = f"~ product for {git}, version {each.name}: {guidance}"
                    yield Step(says, partial(catalogue.guide, product, each.id, guidance))

    def _named(self, names: tuple[str, ...], release: Release) -> list[str]:
        """Return the versions that are meant by `names`."""
        known = dict.fromkeys([*_offered(self._before), *self._before.stored, release.version])
        found: list[str] = []
        for name in names:
            if name != OLDER and name not in known:
                raise PublishError(f"There is no version {name}; there are {', '.join(known)}.")
            found += [each for each in known if each != release.version] if name == OLDER else [name]
        return found


def _offered(published: Published) -> list[str]:
    return [each["Name"] for versions in published.products.values() for each in versions]
