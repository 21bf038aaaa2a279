/** How a team that uses DVC pushes to this dataset and pulls from it, with its own client. */
import { Command } from "../../../components/Copy";
import { Panel } from "../../../components/Panel";
import styles from "./DvcPanel.module.css";

interface Step {
  title: string;
  command: string;
}

export function dvcSteps(origin: string, name: string, newest: number | undefined): Step[] {
  const url = new URL(origin);
  return [
    {
      title: "Once per clone: this dataset as a remote",
      command: [
        "pip install 'dvc[http]'",
        `dvc remote add -d millrace ${origin}/dvc/${name}`,
        "dvc remote modify --local millrace auth basic",
        "dvc remote modify --local millrace user me",
        'dvc remote modify --local millrace password "$MILLRACE_TOKEN"',
      ].join("\n"),
    },
    {
      title: "A new version",
      command: [
        "dvc add data.csv",
        "dvc push",
        `millrace data register ${name} data.csv.dvc -m "what is new" --wait`,
      ].join("\n"),
    },
    ...(newest === undefined
      ? []
      : [
          {
            title: `Version ${newest} into a clone`,
            command: `millrace data pointer ${name}@${newest} --out ${name}.dvc && dvc pull ${name}.dvc`,
          },
        ]),
    {
      title: "Throw away what no pointer names: the WebDAV address of the same remote",
      command: [
        `dvc remote add millrace-gc ${url.protocol === "https:" ? "webdavs" : "webdav"}://${url.host}/dvc/${name}`,
        "dvc remote modify --local millrace-gc user me",
        'dvc remote modify --local millrace-gc password "$MILLRACE_TOKEN"',
        "dvc gc --workspace --all-commits -c -r millrace-gc",
      ].join("\n"),
    },
  ];
}

export function withoutDvc(origin: string, name: string): Step[] {
  return [
    { title: "From a shell", command: `millrace data push data.csv ${name} -m "what is new" --wait` },
    {
      title: "By HTTP alone",
      command: `curl -H "Authorization: Bearer $MILLRACE_TOKEN" -F message="what is new" -F files=@data.csv \\\n  ${origin}/api/v1/datasets/${name}/versions`,
    },
  ];
}

function Steps({ of }: { of: readonly Step[] }) {
  return (
    <ol className={styles.steps}>
      {of.map(({ title, command }) => (
        <li key={title}>
          <h3>{title}</h3>
          <Command text={command} />
        </li>
      ))}
    </ol>
  );
}

export function DvcPanel({ name, newest }: { name: string; newest: number | undefined }) {
  const { origin } = window.location;
  return (
    <>
      <Panel title="Use with DVC">
        <p className={styles.about}>
          The unmodified client: the server is its remote, and knows every version. A token that may read pulls, pushing
          wants one that may write.
        </p>
        <Steps of={dvcSteps(origin, name, newest)} />
      </Panel>
      <Panel title="Without DVC">
        <Steps of={withoutDvc(origin, name)} />
      </Panel>
    </>
  );
}

/** What an empty list of datasets, or a dataset without versions, leads to. */
export function FirstUpload({ name = "bikes" }: { name?: string }) {
  return (
    <div className={styles.first}>
      <p>
        Upload a file or a folder here, or send one from a shell. It is profiled and checked at once, and stays as it is
        for ever.
      </p>
      <Steps of={withoutDvc(window.location.origin, name)} />
    </div>
  );
}
