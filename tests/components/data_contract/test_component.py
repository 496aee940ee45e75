"""What decides whether an edited schema is imported anew."""

from pathlib import Path

from components.data_contract.component import DIGEST, CuratedSchema


def test_an_edit_of_the_file_changes_the_cache_key(tmp_path: Path) -> None:
    file = tmp_path / "schema.pbtxt"
    file.write_text('feature { name: "user_id" type: BYTES }')
    before, again = (CuratedSchema(file).exec_properties for _ in range(2))
    assert before == again
    assert before["schema_file"] == str(file)
    file.write_text('feature { name: "user_id" type: INT }')
    after = CuratedSchema(file).exec_properties
    assert after["schema_file"] == before["schema_file"]
    assert after[DIGEST] != before[DIGEST]
