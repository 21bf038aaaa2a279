/** Parts of a page, one at a time; which one is in the URL (`?tab=`). */
import type { ReactNode } from "react";
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from "react-aria-components";
import { useUrlState } from "../lib/urlState";
import styles from "./Tabs.module.css";

export interface TabPart {
  id: string;
  label: string;
  /** Beside the label: how many there are. */
  count?: number | undefined;
  /** Rendered only while the tab is open. */
  show: () => ReactNode;
}

export function Tabs({ parts, label, param = "tab" }: { parts: readonly TabPart[]; label: string; param?: string }) {
  const first = parts[0]?.id ?? "";
  const [wanted, setOpen] = useUrlState(param, first);
  const open = parts.some(({ id }) => id === wanted) ? wanted : first;
  return (
    <AriaTabs className={styles.tabs ?? ""} selectedKey={open} onSelectionChange={(key) => setOpen(String(key))}>
      <TabList aria-label={label} className={styles.list ?? ""}>
        {parts.map(({ id, label: text, count }) => (
          <Tab key={id} id={id} className={styles.tab ?? ""}>
            {text}
            {count === undefined ? null : <span className={styles.count}>{count}</span>}
          </Tab>
        ))}
      </TabList>
      {parts.map(({ id, show }) => (
        <TabPanel key={id} id={id} className={styles.panel ?? ""}>
          {id === open ? show() : null}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
