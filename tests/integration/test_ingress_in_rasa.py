"""The same webhook inside Rasa's own server, as plain ``rasa run`` mounts it."""

import pytest
from rasa.core.channels.channel import register
from sanic import Sanic

from mostrador import bootstrap
from mostrador.channels import serving
from mostrador.channels.whatsapp import WhatsAppInput
from mostrador.settings import SettingsError, read_settings


@pytest.fixture()
def configured(monkeypatch, database_url):
    def configure(**settings):
        config = read_settings(database_url=database_url, **settings)
        made = bootstrap.build(config, pool_size=1)
        monkeypatch.setattr(bootstrap, "services", lambda: made)

    return configure


def test_the_channel_mounts_the_webhook_and_a_dispatcher_under_rasas_routes(configured, monkeypatch):
    attached = []
    monkeypatch.setattr(serving, "attach", attached.append)
    configured(whatsapp_app_secret="s", whatsapp_verify_token="t", whatsapp_phone_number_ids=("1",))
    app = Sanic("plain_rasa_run", register=False)
    register([WhatsAppInput()], app, "/webhooks/")
    assert {f"/{r.path}" for r in app.router.routes} == {"/webhooks/whatsapp/webhook"}
    assert {m for r in app.router.routes for m in r.methods} == {"GET", "POST"}
    assert attached == [app]


def test_the_channel_refuses_to_work_without_its_secrets(configured):
    configured(whatsapp_app_secret="", whatsapp_verify_token="t", whatsapp_phone_number_ids=("1",))
    with pytest.raises(SettingsError, match="WHATSAPP_APP_SECRET"):
        WhatsAppInput().blueprint(None)
