import pytest
from django.core.management import call_command

from dashboard.models import Stream

pytestmark = pytest.mark.django_db


def test_the_migrations_tell_what_the_models_tell() -> None:
    call_command("makemigrations", "headway", check=True, dry_run=True, skip_checks=True)


# Tests that flush the database may have run before: what the migrations made is brought back.
@pytest.mark.django_db(serialized_rollback=True, transaction=True)
def test_a_new_database_has_its_stream_with_an_epoch_of_its_own() -> None:
    [stream] = Stream.objects.all()

    assert (stream.id, stream.revision, stream.floor) == (1, 0, 0)
    assert len(stream.epoch) == 8
