/** The versions of a dataset: the timeline, older ones on demand, deleted ones if wanted. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "../../../components/Button";
import { Checkbox } from "../../../components/Fields";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { useUrlState } from "../../../lib/urlState";
import { versionsQuery } from "../api";
import { FirstUpload } from "./DvcPanel";
import { Timeline } from "./Timeline";
import styles from "./Keeping.module.css";

export function RecentVersions({ name }: { name: string }) {
  const [deleted, setDeleted] = useUrlState("deleted");
  const query = useInfiniteQuery(versionsQuery(name, deleted === "yes"));
  return (
    <Read query={query} what="the versions">
      {(versions) => (
        <Panel title={versions.length > 0 || deleted ? "Versions" : "No version yet"}>
          <div className={styles.keeping}>
            {versions.length > 0 ? <Timeline versions={versions} /> : deleted ? null : <FirstUpload name={name} />}
            <div className={styles.buttons}>
              {query.hasNextPage ? (
                <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Show older versions
                </Button>
              ) : null}
              <Checkbox
                label="Deleted ones too"
                checked={deleted === "yes"}
                onChange={(on) => setDeleted(on ? "yes" : undefined)}
              />
            </div>
          </div>
        </Panel>
      )}
    </Read>
  );
}
