/** The way from the answer back to the data it rests on, in short. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { Subject } from "../../../components/Subject";
import { sentence } from "../../../lib/text";
import { predictionLineageQuery } from "../api";
import styles from "./Chain.module.css";

export function Chain({ id }: { id: string }) {
  const query = useQuery(predictionLineageQuery(id));
  return (
    <Panel title="Where it comes from">
      <Read query={query} what="the lineage">
        {(found) =>
          "kind" in found ? (
            <p role="status">Still looking…</p>
          ) : (
            <ol className={styles.chain}>
              {found.links.map(({ noun, subject, headline }, index) => (
                <li key={`${subject} ${index}`}>
                  <span className={styles.noun}>{sentence(noun)}</span> <Subject of={subject} />
                  <p>{headline}</p>
                </li>
              ))}
            </ol>
          )
        }
      </Read>
      <p>
        <Link to="/lineage" search={{ of: `predictions/${id}` } as never}>
          The whole lineage as a graph
        </Link>
      </p>
    </Panel>
  );
}
