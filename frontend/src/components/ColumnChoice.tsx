/** Which columns a table shows. */
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { useState } from "react";
import { Checkbox } from "./Fields";
import styles from "./ColumnChoice.module.css";

interface ColumnChoiceProps {
  columns: readonly { id: string; header: string }[];
  visible: Readonly<Record<string, boolean>>;
  /** Ids joined by commas, or undefined for the table's own choice. */
  onChange: (chosen: string | undefined) => void;
}

const MANY = 20;

export function ColumnChoice({ columns, visible, onChange }: ColumnChoiceProps) {
  const [text, setText] = useState("");
  const set = (id: string, on: boolean) =>
    onChange(
      columns
        .map((column) => column.id)
        .filter((other) => (other === id ? on : visible[other]))
        .join(","),
    );
  const matching = columns.filter(({ header }) => header.toLowerCase().includes(text.toLowerCase()));
  return (
    <DialogTrigger>
      <AriaButton className={styles.opener ?? ""}>Columns</AriaButton>
      <Popover className={styles.popover ?? ""} placement="bottom end">
        <Dialog className={styles.dialog ?? ""} aria-label="Columns">
          {columns.length > MANY ? (
            <input
              className={styles.search}
              type="search"
              placeholder="Find a column"
              aria-label="Find a column"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          ) : null}
          {matching.slice(0, 200).map(({ id, header }) => (
            <Checkbox key={id} label={header} checked={visible[id] ?? false} onChange={(on) => set(id, on)} />
          ))}
          <button type="button" className={styles.reset} onClick={() => onChange(undefined)}>
            As at first
          </button>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
