from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("headway", "0008_tasks_with_texts")]

    operations = [
        migrations.AddField(
            model_name="queue",
            name="depths",
            field=models.TextField(null=True),
        ),
    ]
