/** What people say about a model, and changing it: texts, tags, what to do about changes in MLflow. */
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { FormAction } from "../../../components/Action";
import { Facts } from "../../../components/Facts";
import { Select, TextArea, TextField } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { RelativeTime } from "../../../components/RelativeTime";
import { words } from "../../../lib/text";
import { calls, type Model } from "../api";
import { tagChanges, tagsText } from "../tags";
import styles from "./Models.module.css";

const OUTSIDE = { revert: "Put it back", adopt: "Put it back and ask for a promotion", flag: "Only tell" } as const;

export function About({ model }: { model: Model }) {
  const { task, target, description, intended_use, limits, tags, outside_changes, created_at, created_by } = model;
  const prose = (text: string) =>
    text ? <span className={styles.prose}>{text}</span> : <span className={styles.muted}>Nobody has written it</span>;
  return (
    <Panel title="About">
      <div className={styles.stack}>
        <Facts
          of={{
            Task: words(task),
            Target: <code>{target}</code>,
            Description: prose(description),
            "Intended use": prose(intended_use),
            Limits: prose(limits),
            Tags: tagsText(tags),
            "Changes in MLflow": OUTSIDE[outside_changes],
            Owner: created_by,
            Created: <RelativeTime at={created_at} />,
          }}
        />
        <Describe key={model.revision} model={model} />
      </div>
    </Panel>
  );
}

export function Describe({ model }: { model: Model }) {
  const forbidden = useForbidden("write");
  const [description, setDescription] = useState(model.description);
  const [intended_use, setIntendedUse] = useState(model.intended_use);
  const [limits, setLimits] = useState(model.limits);
  const [tags, setTags] = useState(tagsText(model.tags));
  const [outside, setOutside] = useState(model.outside_changes);
  return (
    <FormAction
      title={`Describe ${model.name}`}
      submit="Save"
      forbidden={forbidden}
      call={calls.describe(model, {
        description,
        intended_use,
        limits,
        outside_changes: outside,
        tags: tagChanges(model.tags, tags),
      })}
      fields={
        <>
          <TextArea label="Description" value={description} onChange={setDescription} rows={2} />
          <TextArea
            label="Intended use"
            value={intended_use}
            onChange={setIntendedUse}
            help="For the model card: what it is for"
          />
          <TextArea label="Limits" value={limits} onChange={setLimits} help="For the model card: what it is not for" />
          <TextField
            label="Tags"
            value={tags}
            onChange={setTags}
            placeholder="team:rides, tier:gold"
            help="key:value, separated by commas"
          />
          <Select
            label="When somebody moves an alias in MLflow"
            value={outside}
            onChange={(value) => setOutside(value as Model["outside_changes"])}
            options={Object.entries(OUTSIDE).map(([value, label]) => ({ value, label }))}
          />
        </>
      }
    >
      Describe…
    </FormAction>
  );
}
