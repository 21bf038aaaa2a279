/** Images of a version: push one, see those pushed, and copy the Dockerfile or the Kubernetes objects. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useForbidden } from "../../../client/access";
import { Problem } from "../../../client/http";
import { useJob, type JobRead } from "../../../client/job";
import { FormAction } from "../../../components/Action";
import { Command } from "../../../components/Copy";
import { FieldRow, Select, TextField } from "../../../components/Fields";
import { JobLine } from "../../../components/JobLine";
import { Notice } from "../../../components/Notice";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { State } from "../../../components/State";
import { bytes } from "../../../lib/numbers";
import { dockerfileQuery, imagesQuery, kubernetesQuery, push, type Image } from "../api";
import styles from "./Images.module.css";

interface Of {
  name: string;
  number: number;
}

export function Images({ name, number }: Of) {
  const query = useQuery(imagesQuery(name, number));
  const [job, setJob] = useState<JobRead>();
  return (
    <>
      <Panel title="Images" count={query.data?.length ?? 0}>
        <div className={styles.stack}>
          <PushImage name={name} number={number} onOrdered={setJob} />
          {job ? <Followed key={job.id} job={job} /> : null}
          <Read query={query} what="the images">
            {(images) =>
              images.length === 0 ? (
                <p>None pushed. An image answers by itself, without this server.</p>
              ) : (
                <ul className={styles.stack}>
                  {images.map((image) => (
                    <OneImage key={image.id} image={image} />
                  ))}
                </ul>
              )
            }
          </Read>
        </div>
      </Panel>
      <Panel title="Dockerfile">
        <Dockerfile name={name} number={number} />
      </Panel>
      <Panel title="Kubernetes">
        {query.data?.some(({ pushed }) => pushed !== null) ? (
          <Kubernetes name={name} number={number} />
        ) : (
          <p>Push an image first: the objects name it by its digest.</p>
        )}
      </Panel>
    </>
  );
}

function Followed({ job }: { job: JobRead }) {
  return <JobLine job={useJob(job)} />;
}

function OneImage({ image: { target, state, pushed, created_at, created_by } }: { image: Image }) {
  return (
    <li className={styles.image}>
      <p>
        <State of={state} /> <code>{target}</code> <RelativeTime at={created_at} /> by {created_by}
        {pushed ? `, ${bytes(pushed.image_bytes)}` : ""}
      </p>
      {pushed ? <Command text={pushed.reference} label="The image by digest" /> : null}
    </li>
  );
}

function PushImage({ name, number, onOrdered }: Of & { onOrdered: (job: JobRead) => void }) {
  const forbidden = useForbidden("write");
  const [to, setTo] = useState("");
  const [platform, setPlatform] = useState("linux/amd64");
  return (
    <FormAction
      title={`Push version ${number} of ${name} as an image`}
      submit="Push"
      size="small"
      forbidden={forbidden}
      call={to.trim() ? push(name, number, to.trim(), platform) : undefined}
      onDone={onOrdered}
      fields={
        <>
          <TextField
            label="To"
            value={to}
            onChange={setTo}
            placeholder="HOST/REPOSITORY:TAG"
            help="Only registries that the server's settings allow"
          />
          <Select label="Platform" value={platform} onChange={setPlatform} options={["linux/amd64", "linux/arm64"]} />
        </>
      }
    >
      Push an image…
    </FormAction>
  );
}

function Dockerfile({ name, number }: Of) {
  const [base, setBase] = useState("");
  const query = useQuery(dockerfileQuery(name, number, useDeferredValue(base.trim())));
  return (
    <div className={styles.stack}>
      <p>For those who build by Docker: it wants the version&apos;s model store in models/ beside it.</p>
      <TextField
        label="Serving image"
        value={base}
        onChange={setBase}
        placeholder="HOST/REPOSITORY:TAG"
        help="What it stands on; empty: that of the server's settings"
      />
      {query.error instanceof Problem && query.error.status === 422 ? (
        <Notice tone="attention" title={base ? "Not the name of an image" : "The settings name no serving image"}>
          <p>{base ? `${query.error.message} ${query.error.fix ?? ""}` : "Name one above."}</p>
        </Notice>
      ) : (
        <Read query={query} what="the Dockerfile">
          {(text) => <Command text={text} label="Dockerfile" />}
        </Read>
      )}
    </div>
  );
}

function Kubernetes({ name, number }: Of) {
  const [format, setFormat] = useState<"deployment" | "kserve">("deployment");
  const [service, setService] = useState(name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-"));
  const query = useQuery(kubernetesQuery(name, number, format, service));
  return (
    <div className={styles.stack}>
      <FieldRow>
        <Select
          label="As"
          value={format}
          onChange={(value) => setFormat(value === "kserve" ? "kserve" : "deployment")}
          options={[
            { value: "deployment", label: "Deployment and Service" },
            { value: "kserve", label: "KServe InferenceService" },
          ]}
        />
        <TextField label="Name" value={service} onChange={setService} />
      </FieldRow>
      <Read query={query} what="the Kubernetes objects">
        {(text) => <Command text={text} label="Kubernetes objects" />}
      </Read>
    </div>
  );
}
