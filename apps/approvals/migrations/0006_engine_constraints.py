"""Hold the engine's rows to their rules, now that all of them are filled."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0005_engine_data"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AlterField(
            model_name='review',
            name='counts_for',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RemoveField(
            model_name='approvalpolicy',
            name='group',
        ),
        migrations.RemoveField(
            model_name='approvalpolicy',
            name='required_approvals',
        ),
        migrations.AddConstraint(
            model_name='approvalpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('stage', ''), ('alias', ''), _connector='OR'), name='approvals_policy_has_one_target'),
        ),
        migrations.AddConstraint(
            model_name='approvalpolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('model', None), ('risk', ''), ('tag_key', '')), models.Q(('model__isnull', False), ('risk', ''), ('tag_key', '')), models.Q(models.Q(('risk', ''), _negated=True), ('model', None), ('tag_key', '')), models.Q(models.Q(('tag_key', ''), _negated=True), ('model', None), ('risk', '')), _connector='OR'), name='approvals_policy_has_one_scope'),
        ),
        migrations.AddConstraint(
            model_name='approvalpolicy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('published_at', None), ('state', 'draft')), models.Q(('published_at__isnull', False), ('retired_at', None), ('state', 'published')), models.Q(('published_at__isnull', False), ('retired_at__isnull', False), ('state', 'retired')), _connector='OR'), name='approvals_policy_state_has_times'),
        ),
        migrations.AddConstraint(
            model_name='approvalpolicy',
            constraint=models.UniqueConstraint(condition=models.Q(('model', None), ('state', 'published')), fields=('stage', 'alias', 'risk', 'tag_key', 'tag_value'), name='approvals_one_policy_per_scope'),
        ),
        migrations.AddConstraint(
            model_name='approvalpolicy',
            constraint=models.UniqueConstraint(condition=models.Q(('model__isnull', False), ('state', 'published')), fields=('model', 'stage', 'alias'), name='approvals_one_policy_per_model_and_target'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'changes_requested', 'approved', 'applying', 'apply_failed'])), fields=('version', 'to_stage', 'alias'), name='approvals_one_unfinished_request_per_version_and_target'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('to_stage', ''), _negated=True), ('alias', '')), models.Q(models.Q(('alias', ''), _negated=True), ('to_stage', '')), _connector='OR'), name='approvals_request_has_one_target'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('from_stage', models.F('to_stage')), _negated=True), models.Q(('alias', ''), _negated=True), _connector='OR'), name='approvals_request_moves'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state__in', ['applied', 'rejected', 'withdrawn', 'expired', 'superseded'])), models.Q(models.Q(('state__in', ['applied', 'rejected', 'withdrawn', 'expired', 'superseded']), _negated=True), ('closed_at', None)), _connector='OR'), name='approvals_closed_has_time'),
        ),
        migrations.AddConstraint(
            model_name='approvalrequest',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'draft'), models.Q(('policy__isnull', False), ('submitted_at__isnull', False)), _connector='OR'), name='approvals_submitted_has_policy'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.UniqueConstraint(condition=models.Q(('standing', True)), fields=('request', 'counts_for'), name='approvals_one_standing_word_each'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('requester', models.F('counts_for')), _negated=True), name='approvals_nobody_lends_their_word'),
        ),
    ]
