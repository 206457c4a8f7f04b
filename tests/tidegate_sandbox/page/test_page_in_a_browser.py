"""The whole journey by clicking, in a real browser: launch, build, approve, release, watch it move, reject.

The tests of this module follow one another in one story; each page on the way is held to axe-core's rules.
"""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

PATIENCE = 120_000
"""Milliseconds of the wall that something on the page may take."""
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
NAME = "bikes"


class Traffic:
    """Asks an endpoint for predictions until it is told to stop."""

    def __init__(self, runtime: Any, endpoint: str) -> None:
        self._runtime, self._endpoint = runtime, endpoint
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _ask(self) -> None:
        while not self._stop.wait(0.1):
            try:
                self._runtime.invoke_endpoint(EndpointName=self._endpoint, ContentType="text/csv", Body=b"1")
            except (BotoCoreError, ClientError):
                continue


class Person:
    """Somebody at the page, who sees what goes wrong on it."""

    def __init__(self, browser: Any, url: str, folder: Any, **options: Any) -> None:
        from axe_playwright_python.sync_playwright import Axe
        from playwright.sync_api import expect

        expect.set_options(timeout=PATIENCE)
        self.expect, self._axe, self._folder = expect, Axe(), folder
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on(
            "console", lambda said: self.troubles.append(said.text) if "Security Policy" in said.text else None
        )
        self.page.goto(url)

    def follow(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("link", name=name, exact=isinstance(name, str)).first.click()

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).click()

    def section(self, name: str) -> None:
        self.page.get_by_role("navigation", name="Sections").get_by_role("link", name=name).click()

    def go(self, section: str, name: str | re.Pattern[str]) -> None:
        self.section(section)
        self.reads(section)
        self.page.get_by_role("main").get_by_role("link", name=name, exact=isinstance(name, str)).first.click()
        self.reads(name)

    def reads(self, heading: str | re.Pattern[str]) -> None:
        self.expect(self.page.get_by_role("main").get_by_role("heading", level=1)).to_have_text(heading)

    def sees(self, text: str | re.Pattern[str]) -> None:
        self.expect(self.page.get_by_role("main")).to_contain_text(text)

    def region(self, name: str) -> Any:
        return self.page.get_by_role("region", name=name)

    def confirm(self, button: str, **answers: str) -> None:
        asked = self.page.get_by_role("dialog")
        for label, answer in answers.items():
            asked.get_by_label(re.compile(label, re.IGNORECASE)).fill(answer)
        asked.get_by_role("button", name=button, exact=True).click()
        self.expect(asked).to_have_count(0)

    def reads_back_in_the_log(self) -> float:
        """Scroll a log that is too long for its room to its fifth pixel; return where it is when it was drawn again."""
        log = self.page.get_by_role("region", name="Log")
        log.evaluate("() => document.styleSheets[0].insertRule('.log { max-height: 50px !important }')")
        log.evaluate("log => log.scrollTo(0, 5)")
        self.drawn_again()
        return float(log.evaluate("log => log.scrollTop"))

    def drawn_again(self) -> None:
        """Have the page drawn again, as it is whenever there is news."""
        self.page.evaluate("() => { window.dispatchEvent(new Event('resize')) }")

    def barriers(self, name: str) -> list[str]:
        """Return what keeps people from this page, by axe-core's rules, and keep a picture of it."""
        self.page.screenshot(path=self._folder / f"{name}.png", full_page=True)
        found = self._axe.run(self.page).response["violations"]
        return [f"{name}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def person(browser: Any, page_sandbox: Any, product: Any, pictures: Any) -> Iterator[Person]:
    with_it = Person(browser, f"{page_sandbox.url}/", pictures)
    yield with_it
    with_it.page.context.close()


def test_a_person_does_the_whole_journey_by_clicking(
    person: Person, product: Any, page_sandbox: Any, tmp_path: Any, eventually: Callable[..., Any]
) -> None:
    page, barriers = person.page, []
    sagemaker = page_sandbox.client("sagemaker")

    # launch, in the region of these tests
    page.get_by_role("combobox", name="Account and region").select_option("111122223333/eu-west-1")
    person.expect(page.get_by_role("link", name="Launch a project")).to_have_attribute("href", re.compile("eu-west-1"))
    person.follow("Launch a project")
    person.reads("Launch a project")
    barriers += person.barriers("gallery")
    page.get_by_role("link", name=re.compile("Choose Small and whole")).click()
    person.reads("Launch: Small and whole")
    page.get_by_label("Project name").fill(NAME)
    page.get_by_label("Subject").fill("UPPER")
    barriers += person.barriers("launch")
    person.press("Launch")
    person.sees("A subject has small letters only.")
    person.expect(page.get_by_role("alert")).to_contain_text("Subject")
    person.drawn_again()
    assert page.get_by_role("alert").count() == 1
    page.get_by_label("Subject").fill("rentals")
    person.press("Launch")
    person.sees("CreateCompleted")
    project = sagemaker.describe_project(ProjectName=NAME)["ProjectId"]
    name = f"{NAME}-{project}"
    person.sees(f"git clone {page_sandbox.url}/v1/repos/{name}")

    # the first push builds, and the build makes the model pipeline
    product.push(name, tmp_path, version=1)
    product.teach(name)
    person.go("CI/CD pipelines", f"{name}-build")
    person.press("Start")
    person.expect(page.get_by_role("region", name="Stage Build").get_by_text("Succeeded").first).to_be_visible()
    person.follow("Build and log")
    person.sees("trained on rentals")
    person.sees("<b>done</b>")
    assert person.reads_back_in_the_log() == 5
    barriers += person.barriers("build")

    # the model pipeline registers
    person.go("Model pipelines", name)
    person.press("Start")
    person.expect(page.get_by_role("link", name=re.compile(r"Register RegisterModel · \d+"))).to_be_visible()
    page.get_by_role("link", name=re.compile("^Register ")).click()
    person.sees("rmse41.3± 1.5")
    barriers += person.barriers("steps")
    person.follow(re.compile("^version 1 of"))

    # approve: staging, then a person is asked, then production
    person.press("Approve version 1")
    person.confirm("Approve", note=HOSTILE)
    person.expect(page.get_by_text(HOSTILE)).to_be_visible()
    # what was pressed is gone: who goes on with the keyboard is not at the button that took its place
    person.expect(page.get_by_role("button", name="Approve version 1")).to_have_count(0)
    person.expect(page.get_by_role("main")).to_be_focused()
    barriers += person.barriers("registry")
    person.go("CI/CD pipelines", f"{name}-deploy")
    person.sees("To production?")
    barriers += person.barriers("waiting")
    person.press("Approve Ask")
    person.confirm("Approve", note="staging answers")
    person.expect(page.get_by_role("region", name="Stage Production").get_by_text("Succeeded").first).to_be_visible()

    # a second version, behind a canary, under traffic
    person.go("Model pipelines", name)
    person.press("Start")
    eventually(lambda: len(sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]) == 2)
    product.push(name, tmp_path, version=2)
    with Traffic(page_sandbox.client("sagemaker-runtime"), f"{name}-production"):
        person.go("Model registry", name)
        person.press("Approve version 2")
        person.confirm("Approve")
        person.go("CI/CD pipelines", f"{name}-deploy")
        person.press("Approve Ask")
        person.confirm("Approve", note="again")
        person.go("Endpoints", f"{name}-production")
        person.sees("Release under way")
        split = page.get_by_role("img", name="Traffic: Old fleet (blue) 75 %, New fleet (green) 25 %")
        person.expect(split).to_be_visible()
        person.sees("25 % of the traffic")
        person.expect(page.get_by_role("figure").first).to_contain_text("v2")
        barriers += person.barriers("release")
        # All of it on the new fleet lasts for seconds: whoever looks later sees the one fleet that is left.
        moved = re.compile(r"Traffic: (Old fleet \(blue\) 0 %, New fleet \(green\)|Fleet) 100 %")
        person.expect(page.get_by_role("img", name=moved)).to_be_visible()
        person.expect(page.get_by_role("img", name="Traffic: Fleet 100 %")).to_be_visible()
        person.sees("Serves version 2")

    # think better of it
    person.go("Model registry", name)
    person.press("Reject version 2")
    person.confirm("Reject", note="looked again")
    person.sees("Rejected")
    (package,) = [
        each
        for each in sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
        if each["ModelPackageVersion"] == 2
    ]
    assert package["ModelApprovalStatus"] == "Rejected"

    for section in ("Projects", "CI/CD pipelines", "Alarms", "Builds", "The sandbox"):
        person.section(section)
        person.reads(section)
        barriers += person.barriers(section.replace("/", "-"))

    # as good in the dark and on a narrow screen
    person.go("Endpoints", f"{name}-production")
    for scheme, width in (("dark", 1280), ("light", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        barriers += person.barriers(f"{scheme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    assert barriers == []
    assert person.troubles == []
    assert page.evaluate("window.hacked") is None


def test_it_can_be_walked_with_the_keyboard_alone(browser: Any, page_sandbox: Any, pictures: Any) -> None:
    page_sandbox.client("sagemaker").list_model_package_groups()  # somebody has used this account and region
    person = Person(browser, f"{page_sandbox.url}/", pictures)
    person.expect(person.page.get_by_role("navigation", name="Sections")).to_be_visible()
    person.page.keyboard.press("Tab")
    person.page.keyboard.press("Enter")
    person.expect(person.page.get_by_role("main")).to_be_focused()
    account = person.page.get_by_role("combobox", name="Account and region")
    account.focus()
    account.select_option("111122223333/eu-west-1")
    launch = person.page.get_by_role("link", name="Launch a project")
    person.expect(launch).to_have_attribute("href", re.compile("eu-west-1"))
    person.expect(account).to_be_focused()
    link = person.page.get_by_role("navigation", name="Sections").get_by_role("link", name="Model registry")
    link.focus()
    person.page.keyboard.press("Enter")
    person.reads("Model registry")
    person.page.context.close()


def test_a_page_without_its_sandbox_says_so_and_goes_on_when_it_is_back(
    browser: Any, page_sandbox: Any, pictures: Any
) -> None:
    person = Person(browser, f"{page_sandbox.url}/", pictures)
    person.reads("Projects")
    person.page.route("**/api/**", lambda asked: asked.abort())
    person.sees("The sandbox does not answer.")
    person.section("Alarms")
    person.reads("Alarms")
    person.sees("The sandbox does not answer.")
    barriers = person.barriers("gone")
    person.page.unroute("**/api/**")
    person.expect(person.page.get_by_role("alert")).to_have_count(0)

    person.page.evaluate("() => { location.hash = '#/111122223333/eu-west-1/endpoints/none' }")
    person.reads("none")
    person.sees("Could not find")
    barriers += person.barriers("none")
    person.page.evaluate("() => { location.hash = '#/111122223333/eu-west-1/nowhere' }")
    person.sees("There is no such page here.")
    barriers += person.barriers("nowhere")

    assert barriers == []
    assert person.troubles == []
    person.page.context.close()
