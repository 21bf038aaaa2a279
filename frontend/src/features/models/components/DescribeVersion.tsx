/** A person's words about one version. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { TextArea } from "../../../components/Fields";
import { calls, type Version } from "../api";

export function DescribeVersion({ version }: { version: Version }) {
  const forbidden = useForbidden("write");
  const [description, setDescription] = useState(version.description);
  return (
    <FormAction
      title={`Describe version ${version.number}`}
      submit="Save"
      size="small"
      forbidden={forbidden}
      call={calls.describeVersion(version, description)}
      fields={<TextArea label="This version" value={description} onChange={setDescription} />}
    >
      Describe this version…
    </FormAction>
  );
}
