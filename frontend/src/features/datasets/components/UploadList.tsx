/** Uploads of this page: how far they are, and what the server said to each. */
import { Link } from "@tanstack/react-router";
import { Button } from "../../../components/Button";
import { Glyph } from "../../../components/Glyph";
import { bytes } from "../../../lib/numbers";
import type { Tone } from "../../../lib/tone";
import { useUploads, type Upload, type Uploads, type UploadState } from "../upload";
import styles from "./Upload.module.css";

const TONES: Record<UploadState, Tone> = {
  waiting: "idle",
  sending: "running",
  done: "ok",
  failed: "failed",
  stopped: "idle",
};

function Outcome({ upload }: { upload: Upload }) {
  const { state, version, created, error, sent, total } = upload;
  if (state === "done" && version) {
    const link = (
      <Link to="/datasets/$name/versions/$number" params={{ name: version.dataset, number: String(version.number) }}>
        version {version.number}
      </Link>
    );
    return created ? (
      <p>It is {link}. Its checks run now.</p>
    ) : (
      <p>The same content is a version already: {link}. Nothing was added.</p>
    );
  }
  if (error) {
    const fix = "fix" in error && typeof error.fix === "string" ? error.fix : undefined;
    return (
      <p role="alert">
        {error.message} {fix ?? "Nothing is lost: the files are still chosen, send them again when it answers."}
      </p>
    );
  }
  if (state === "stopped") return <p>Stopped. Nothing was stored.</p>;
  if (state === "waiting") return <p>Waits for the ones before it.</p>;
  return (
    <p>{sent >= total && total > 0 ? "All sent; the server is storing it." : `${bytes(sent)} of ${bytes(total)}`}</p>
  );
}

export function UploadList({ uploads }: { uploads: Uploads }) {
  const all = useUploads(uploads);
  if (all.length === 0) return null;
  return (
    <ul className={styles.uploads} aria-label="Uploads">
      {all.map((upload) => {
        const { id, label, state, sent, total } = upload;
        const active = state === "waiting" || state === "sending";
        return (
          <li key={id} data-tone={TONES[state]}>
            <Glyph tone={TONES[state]} />
            <div className={styles.body}>
              <strong>{label}</strong>
              <Outcome upload={upload} />
              {state === "sending" ? (
                <progress
                  aria-label={`Upload of ${label}`}
                  max={1}
                  {...(sent < total ? { value: sent / total } : {})}
                />
              ) : null}
            </div>
            {active ? <Button onClick={() => uploads.stop(id)}>Stop</Button> : null}
            {state === "failed" || state === "stopped" ? (
              <Button onClick={() => uploads.retry(id)}>Send again</Button>
            ) : null}
            {active ? null : <Button onClick={() => uploads.forget(id)}>Dismiss</Button>}
          </li>
        );
      })}
    </ul>
  );
}
