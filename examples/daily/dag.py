"""The job of a day in Airflow, 2 or 3: `pnfrec daily`, from an environment of its own on the worker."""

import datetime

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2 without the provider
    from airflow.operators.bash import BashOperator

with DAG(
    dag_id="pnfrec_daily",
    schedule="0 5 * * *",
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
    # A day that was missed is in the data of the next one.
    catchup=False,
    max_active_runs=1,
) as dag:
    BashOperator(
        task_id="retrain",
        bash_command="/srv/pnfrec/venv/bin/pnfrec daily --config /srv/pnfrec/yours.yaml ",
        # The last line of the standard output, the line of status, is the XCom of the task.
        do_xcom_push=True,
        # Nothing was pushed, and yesterday's model goes on serving: no failure of the job. A refused day (4) is one.
        skip_on_exit_code=[3],
        retries=1,
        retry_delay=datetime.timedelta(minutes=10),
        execution_timeout=datetime.timedelta(hours=6),
    )
