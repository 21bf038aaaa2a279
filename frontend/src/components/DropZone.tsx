/** A place to drop files and folders on, with buttons for those who rather pick them. */
import { Upload } from "lucide-react";
import { useRef, useState, type DragEvent, type ReactNode } from "react";
import { fromDrop, fromInput, type Picked } from "../lib/files";
import { Button } from "./Button";
import styles from "./DropZone.module.css";

interface DropZoneProps {
  onFiles: (files: Picked[]) => void;
  children: ReactNode;
  forbidden?: string | undefined;
}

export function DropZone({ onFiles, children, forbidden }: DropZoneProps) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [problem, setProblem] = useState<string>();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (forbidden) return;
    setProblem(undefined);
    fromDrop(event.dataTransfer).then(onFiles, (error: unknown) =>
      setProblem(`These could not be read: ${error instanceof Error ? error.message : "unknown reason"}.`),
    );
  };
  const input = (ref: typeof files, props: object, label: string) => (
    <input
      ref={ref}
      type="file"
      multiple
      className="offscreen"
      tabIndex={-1}
      aria-label={label}
      disabled={forbidden !== undefined}
      onChange={(event) => {
        if (event.target.files?.length) onFiles(fromInput(event.target.files));
        // The same file may be picked again after it was changed.
        event.target.value = "";
      }}
      {...props}
    />
  );
  return (
    <div
      className={styles.zone}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(!forbidden);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Upload size={20} aria-hidden />
      <div className={styles.words}>{children}</div>
      <div className={styles.buttons}>
        <Button forbidden={forbidden} onClick={() => files.current?.click()}>
          Choose files
        </Button>
        {forbidden ? null : <Button onClick={() => folder.current?.click()}>Choose a folder</Button>}
      </div>
      {input(files, {}, "Files")}
      {input(folder, { webkitdirectory: "" }, "A folder")}
      {problem ? (
        <p className={styles.problem} role="alert">
          {problem}
        </p>
      ) : null}
    </div>
  );
}
