"""The page on settings says what the settings say."""

from tools import settings_page


def test_the_page_on_settings_is_up_to_date():
    assert settings_page.PAGE.read_text() == settings_page.page(), "run  python tools/settings_page.py"
