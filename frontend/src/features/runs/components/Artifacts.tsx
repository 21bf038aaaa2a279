/** The files of a run, folder by folder, with a look into text, tables and pictures. */
import { useQuery } from "@tanstack/react-query";
import { Command } from "../../../components/Copy";
import { Columns, Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { bytes } from "../../../lib/numbers";
import { useUrlState } from "../../../lib/urlState";
import { artifactsQuery, artifactTextQuery, artifactUrl, type ArtifactRead } from "../api";
import styles from "./Runs.module.css";

const PICTURE = /\.(?:png|jpe?g|gif|webp)$/i;
const TEXT = /(?:\.(?:txt|csv|tsv|json|jsonl|ya?ml|md|log|py|toml|ini|html|xml|svg)|\/MLmodel|^MLmodel)$/i;
const MOST_BYTES = 1_000_000;
const MOST_CHARACTERS = 20_000;

function Text({ id, file }: { id: string; file: string }) {
  const query = useQuery(artifactTextQuery(id, file));
  return (
    <Read query={query} what="the file">
      {(text) => (
        <>
          <Command text={text.slice(0, MOST_CHARACTERS)} label={file} />
          {text.length > MOST_CHARACTERS ? <p>The beginning; save the file for the rest.</p> : null}
        </>
      )}
    </Read>
  );
}

function Preview({ id, file, size }: { id: string; file: string; size: number }) {
  const url = artifactUrl(id, file);
  const name = file.slice(file.lastIndexOf("/") + 1);
  return (
    <Panel title={name}>
      <p>
        {bytes(size)},{" "}
        <a href={url} download={name}>
          save
        </a>
      </p>
      {size > MOST_BYTES ? (
        <p>Too large to be shown here.</p>
      ) : PICTURE.test(file) ? (
        <img className={styles.picture} src={url} alt={name} />
      ) : TEXT.test(file) ? (
        <Text id={id} file={file} />
      ) : (
        <p>Not text and no picture: save it to look into it.</p>
      )}
    </Panel>
  );
}

function parentOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

export function Artifacts({ id }: { id: string }) {
  const [folder, setFolder] = useUrlState("folder");
  const [file, setFile] = useUrlState("file");
  const query = useQuery(artifactsQuery(id, folder));
  const label = ({ path }: ArtifactRead) => path.slice(path.lastIndexOf("/") + 1);
  return (
    <Read query={query} what="the files">
      {(found) => {
        const open = found.find((one) => !one.is_dir && one.path === file);
        return (
          <Columns>
            <Stack>
              {open ? (
                <Preview key={open.path} id={id} file={open.path} size={open.bytes ?? 0} />
              ) : (
                <p>Choose a file to look into it.</p>
              )}
            </Stack>
            <Panel
              title={folder || "Files"}
              count={found.length}
              empty={found.length === 0 && !folder && "No file yet: the run has logged none."}
            >
              <ul className={styles.files}>
                {folder ? (
                  <li>
                    <button type="button" onClick={() => setFolder(parentOf(folder))}>
                      ↑ Up
                    </button>
                  </li>
                ) : null}
                {found.map((one) => (
                  <li key={one.path}>
                    <button
                      type="button"
                      aria-current={one.path === file ? "true" : undefined}
                      onClick={() => (one.is_dir ? setFolder(one.path) : setFile(one.path))}
                    >
                      {label(one)}
                      {one.is_dir ? "/" : ` (${bytes(one.bytes)})`}
                    </button>
                  </li>
                ))}
              </ul>
            </Panel>
          </Columns>
        );
      }}
    </Read>
  );
}
