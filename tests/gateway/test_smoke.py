import pytest, mlflow
pytestmark = [pytest.mark.mlflow, pytest.mark.filterwarnings("ignore")]

def test_a_training_run(act_as, alice, tmp_path):
    client = act_as(alice)
    exp = client.create_experiment("e-" + tmp_path.name)
    mlflow.set_experiment(experiment_id=exp)
    with mlflow.start_run() as run:
        mlflow.log_param("a", 1)
        for i in range(5):
            mlflow.log_metric("m", i)
        mlflow.log_text("hi", "x/y.txt")
        from sklearn.linear_model import LogisticRegression
        m = LogisticRegression().fit([[0.], [1.]], [0, 1])
        info = mlflow.sklearn.log_model(m, name="model", registered_model_name="churn")
    from apps.registry.models import ModelVersion
    v = ModelVersion.objects.select_related("model").get()
    assert (v.model.name, v.number, v.run_id) == ("churn", 1, run.info.run_id)
    assert client.list_artifacts(run.info.run_id)
    got = mlflow.sklearn.load_model("models:/churn/1")
    print(client.get_run(run.info.run_id).data.tags)
    print(client.search_model_versions("name='churn'"))
    from apps.audit.models import AuditEvent
    print(list(AuditEvent.objects.values_list("action","actor","source", "target", "token_name")))
    with pytest.raises(mlflow.exceptions.MlflowException) as e:
        client.transition_model_version_stage("churn", 1, "Production")
    print(e.value)
