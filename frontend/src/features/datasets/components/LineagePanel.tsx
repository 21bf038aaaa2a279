/** What a version was made from, and what was made with it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { CopyId } from "../../../components/Copy";
import { Facts } from "../../../components/Facts";
import { Columns } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { words } from "../../../lib/text";
import { lineageQuery, type Lineage, type Version } from "../api";
import { provenance, sourceFacts } from "../provenance";
import styles from "./LineagePanel.module.css";

type VersionLink = Lineage["parents"][number];

function Versions({ of }: { of: readonly VersionLink[] }) {
  return of.map(({ dataset, number }) => (
    <li key={`${dataset}@${number}`}>
      <Link to="/datasets/$name/versions/$number" params={{ name: dataset, number: String(number) }}>
        {dataset} version {number}
      </Link>
    </li>
  ));
}

function Use({ noun, id }: { noun: string; id: string }): ReactNode {
  if (noun === "run") {
    return (
      <Link to="/runs/$id" params={{ id }}>
        run {id.slice(-8)}
      </Link>
    );
  }
  return words(noun);
}

export function LineagePanel({ version }: { version: Version }) {
  const query = useQuery(lineageQuery(version.dataset, version.number));
  return (
    <Read query={query} what="the lineage">
      {({ parents, children, uses }) => (
        <>
          <p>
            <Link to="/lineage" search={{ of: `datasets/${version.dataset}/versions/${version.number}` } as never}>
              The whole graph, from its sources to the predictions that came of it
            </Link>
          </p>
          <Columns>
            <Panel title="Made from" count={parents.length}>
              <div className={styles.parts}>
                <p>{provenance(version.source)}</p>
                <Facts of={sourceFacts(version.source)} />
                <ul className={styles.list}>
                  <Versions of={parents} />
                </ul>
              </div>
            </Panel>
            <Panel
              title="Made with it"
              count={children.length + uses.length}
              empty={
                children.length + uses.length === 0 &&
                "Nothing yet: no run was trained on it, no version built from it."
              }
            >
              <ul className={styles.list}>
                <Versions of={children} />
                {uses.map(({ noun, id }) => (
                  <li key={`${noun} ${id}`}>
                    <Use noun={noun} id={id} /> <CopyId id={id} noun={words(noun)} />
                  </li>
                ))}
              </ul>
            </Panel>
          </Columns>
        </>
      )}
    </Read>
  );
}
