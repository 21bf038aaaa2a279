"""The overview against the real server in a real browser: signing in, the first upload, live updates, outages."""

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import Screen, Site

pytestmark = pytest.mark.browser
UPLOAD_PART = "**/assets/UploadAnywhere*"


class TestSigningIn:
    def test_says_why_a_wrong_token_fails_and_opens_with_the_right_one(self, screen: Screen, site: Site) -> None:
        screen.sign_in("not-a-token")
        expect(screen.page.get_by_role("alert")).to_contain_text("This token is not valid")
        screen.audit("login-refused")
        screen.page.get_by_label("Token").fill(site.token)
        screen.page.get_by_role("button", name="Sign in").click()
        expect(screen.page.get_by_role("region", name="The loop")).to_be_visible()

    def test_keeps_the_token_only_in_a_cookie_that_scripts_cannot_read(self, screen: Screen, site: Site) -> None:
        screen.sign_in(site.token)
        expect(screen.page.get_by_role("region", name="The loop")).to_be_visible()
        cookies = {cookie["name"]: cookie for cookie in screen.page.context.cookies()}
        assert cookies["millrace_token"]["httpOnly"]
        assert cookies["millrace_token"]["sameSite"] == "Strict"
        kept = screen.page.evaluate("JSON.stringify([document.cookie, localStorage, sessionStorage])")
        assert site.token not in kept

    def test_stays_signed_in_over_a_reload_until_signing_out(self, screen: Screen, site: Site) -> None:
        screen.sign_in(site.token)
        expect(screen.page.get_by_role("region", name="The loop")).to_be_visible()
        screen.page.reload()
        screen.page.get_by_role("button", name="Sign out").click()
        expect(screen.page.get_by_label("Token")).to_be_visible()
        screen.page.reload()
        expect(screen.page.get_by_label("Token")).to_be_visible()

    def test_is_signed_out_when_the_token_is_revoked(self, screen: Screen, site: Site) -> None:
        with site.client as client:
            made = client.post("/tokens", json={"name": "guest", "role": "viewer"}).raise_for_status().json()
            screen.sign_in(made["token"])
            expect(screen.page.get_by_text("Live", exact=True)).to_be_visible()
            client.delete("/tokens/guest").raise_for_status()
        screen.page.reload()
        expect(screen.page.get_by_label("Token")).to_be_visible()


class TestOverview:
    def test_leads_an_empty_system_to_its_first_dataset_and_shows_it_at_once(self, screen: Screen, site: Site) -> None:
        screen.sign_in(site.token)
        expect(screen.page.get_by_role("heading", name="three steps to your first data")).to_be_visible()
        expect(screen.page.get_by_text("Live", exact=True)).to_be_visible()
        screen.audit("overview-empty")
        with site.client as client:
            client.post("/datasets", json={"name": "bikes"}).raise_for_status()
        expect(screen.page.get_by_role("list", name="How much there is")).to_contain_text("1 dataset ")
        expect(screen.page.get_by_role("heading", name="three steps to your first data")).to_have_count(0)
        screen.audit("overview-first-dataset")

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_fits_a_phone(self, screen: Screen, site: Site, scheme: str) -> None:
        screen.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        screen.page.set_viewport_size({"width": 360, "height": 740})
        screen.sign_in(site.token)
        expect(screen.page.get_by_role("region", name="The loop")).to_be_visible()
        screen.audit(f"overview-phone-{scheme}")

    def test_remembers_the_theme_a_person_chose(self, screen: Screen, site: Site) -> None:
        screen.page.emulate_media(color_scheme="light")
        screen.sign_in(site.token)
        for _ in range(2):  # system -> light -> dark
            screen.page.get_by_role("button", name="Theme").click()
        screen.page.reload()
        expect(screen.page.get_by_role("button", name="Theme: dark")).to_be_visible()
        assert screen.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"

    def test_says_when_the_server_is_away_keeps_what_is_known_and_recovers(self, screen: Screen, site: Site) -> None:
        screen.sign_in(site.token)
        expect(screen.page.get_by_text("Live", exact=True)).to_be_visible()
        site.stop()
        expect(screen.page.get_by_text("The server is not answering.")).to_be_visible(timeout=20_000)
        expect(screen.page.get_by_role("region", name="The loop")).to_be_visible()
        screen.audit("overview-away")
        site.start()
        expect(screen.page.get_by_text("The server is not answering.")).to_have_count(0, timeout=20_000)
        expect(screen.page.get_by_text("Live", exact=True)).to_be_visible(timeout=20_000)

    def test_brings_a_part_that_an_outage_held_back(self, screen: Screen, site: Site) -> None:
        def fall(route: Route) -> None:
            site.stop()
            route.abort()

        screen.page.route(UPLOAD_PART, fall)
        screen.sign_in(site.token)
        expect(screen.page.get_by_text("The server is not answering.")).to_be_visible(timeout=20_000)
        expect(screen.page.get_by_role("region", name="The loop")).to_be_visible()
        screen.page.unroute(UPLOAD_PART)
        site.start()
        expect(screen.page.get_by_role("button", name="Upload")).to_be_visible(timeout=20_000)

    def test_says_what_to_do_about_a_part_that_the_server_has_not(self, screen: Screen, site: Site) -> None:
        screen.page.route(UPLOAD_PART, lambda route: route.fulfill(status=404))
        screen.sign_in(site.token)
        expect(screen.page.get_by_role("heading", name="A part of this page did not come")).to_be_visible()
        expect(screen.page.get_by_role("navigation", name="Pages")).to_be_visible()
        screen.page.unroute(UPLOAD_PART)
        screen.page.get_by_role("button", name="Reload the page").click()
        expect(screen.page.get_by_role("button", name="Upload")).to_be_visible()

    def test_is_served_under_a_policy_without_inline_scripts(self, screen: Screen, site: Site) -> None:
        response = screen.page.goto(screen.url)
        assert response is not None
        policy = response.headers["content-security-policy"]
        assert "'self'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in response.text()
