/** What is to be uploaded: files, as one version or as several, with a message. Kept until the server has taken it. */
import { useState, type ReactNode } from "react";
import { useForbidden } from "../../../client/access";
import { Button } from "../../../components/Button";
import { DropZone } from "../../../components/DropZone";
import { TextField } from "../../../components/Fields";
import { sizeOf, type Picked } from "../../../lib/files";
import { bytes } from "../../../lib/numbers";
import { plural } from "../../../lib/text";
import styles from "./Upload.module.css";

interface UploadFormProps {
  /** Takes a group of files per version. */
  onSend: (groups: Picked[][], message: string) => void;
  busy?: boolean;
  /** Why it cannot be sent yet. */
  missing?: string | undefined;
  /** Above the buttons, once files are chosen. */
  children?: ReactNode;
}

const SHOWN = 8;

export function UploadForm({ onSend, busy = false, missing, children }: UploadFormProps) {
  const forbidden = useForbidden("write");
  const [files, setFiles] = useState<Picked[]>([]);
  const [message, setMessage] = useState("");
  const [apart, setApart] = useState(false);
  const [nothing, setNothing] = useState(false);
  const take = (more: Picked[]) => {
    setNothing(more.length === 0);
    const paths = new Set(more.map(({ path }) => path));
    setFiles([...files.filter(({ path }) => !paths.has(path)), ...more]);
  };
  const clear = () => {
    setFiles([]);
    setMessage("");
    setApart(false);
  };
  return (
    <div className={styles.form}>
      <DropZone onFiles={take} forbidden={forbidden}>
        <strong>Drop files or a folder here</strong>
        <p className={styles.quiet}>
          csv, parquet and jsonl are read as tables; everything else is kept as a folder of files.
        </p>
      </DropZone>
      {nothing ? <p role="alert">There was no file in that.</p> : null}
      {files.length > 0 ? (
        <div className={styles.chosen}>
          <p>
            <strong>{plural(files.length, "file")}</strong>, {bytes(sizeOf(files))}
          </p>
          <ul className={styles.files}>
            {files.slice(0, SHOWN).map(({ path, file }) => (
              <li key={path}>
                <span>{path}</span>
                <span className={styles.quiet}>{bytes(file.size)}</span>
                <button
                  type="button"
                  aria-label={`Leave out ${path}`}
                  onClick={() => setFiles(files.filter((other) => other.path !== path))}
                >
                  ×
                </button>
              </li>
            ))}
            {files.length > SHOWN ? (
              <li className={styles.quiet}>and {plural(files.length - SHOWN, "more file")}</li>
            ) : null}
          </ul>
          {files.length > 1 ? (
            <fieldset className={styles.choice}>
              <legend>These files become</legend>
              <label>
                <input type="radio" checked={!apart} onChange={() => setApart(false)} /> one version that holds them all
              </label>
              <label>
                <input type="radio" checked={apart} onChange={() => setApart(true)} /> a version each, in this order
              </label>
            </fieldset>
          ) : null}
          <TextField
            label="Message"
            value={message}
            onChange={setMessage}
            help="What is new in it. Shown in the timeline."
          />
          {children}
          <div className={styles.buttons}>
            <Button
              kind="primary"
              busy={busy}
              forbidden={forbidden ?? missing}
              onClick={() => {
                onSend(apart ? files.map((one) => [one]) : [files], message);
                clear();
              }}
            >
              Upload
            </Button>
            <Button onClick={clear}>Clear</Button>
          </div>
        </div>
      ) : null}
    </div>
  );
}
