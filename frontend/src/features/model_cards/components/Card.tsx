/** The model card: made of facts; only description, intended use and limits are a person's. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Facts } from "../../../components/Facts";
import { Columns, Stack } from "../../../components/Page";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { State } from "../../../components/State";
import { Subject } from "../../../components/Subject";
import { plainly } from "../../../lib/bounds";
import { bytes, number as figure, percent } from "../../../lib/numbers";
import { words } from "../../../lib/text";
import { cardQuery, markdownAddress, type ModelCard } from "../api";
import styles from "./Card.module.css";

interface CardProps {
  name: string;
  number: number;
  /** Buttons that change a person's parts. */
  tools: ReactNode;
}

export function Card({ name, number, tools }: CardProps) {
  const query = useQuery(cardQuery(name, number));
  return (
    <Read query={query} what="the model card">
      {(card) => (
        <Columns>
          <Stack>
            <Said card={card} tools={tools} address={markdownAddress(name, number)} />
            <Panel
              title="Found by checks"
              count={card.found_limits.length}
              empty={card.found_limits.length === 0 && "Nothing failed, warned or stayed open."}
            >
              <ul className={styles.list}>
                {card.found_limits.map((limit) => (
                  <li key={limit}>{plainly(limit)}</li>
                ))}
              </ul>
            </Panel>
            <Inputs card={card} />
          </Stack>
          <Stack>
            <Metrics card={card} />
            <Training card={card} />
          </Stack>
        </Columns>
      )}
    </Read>
  );
}

function Said({ card, tools, address }: { card: ModelCard; tools: ReactNode; address: string }) {
  const text = (said: string) =>
    said ? <p className={styles.prose}>{said}</p> : <p className={styles.nobody}>Nobody has written this yet.</p>;
  return (
    <Panel title="In words">
      <div className={styles.words}>
        <h3>What it is</h3>
        {text(card.description)}
        {card.version_description ? (
          <>
            <h3>This version</h3>
            {text(card.version_description)}
          </>
        ) : null}
        <h3>Intended use</h3>
        {text(card.intended_use)}
        <h3>Limits</h3>
        {text(card.limits)}
        <p className={styles.tools}>
          {tools}
          <a href={address} download={`${card.model}-${card.number}.md`}>
            As Markdown
          </a>
        </p>
      </div>
    </Panel>
  );
}

function Metrics({ card }: { card: ModelCard }) {
  return (
    <Panel title="On frozen test rows" empty={card.metrics.length === 0 && "Nobody has measured it."}>
      <Facts
        of={Object.fromEntries(
          card.metrics.map(({ name, value, low, high }) => [
            name,
            typeof low === "number" && typeof high === "number"
              ? `${figure(value)}, from ${figure(low)} to ${figure(high)}`
              : figure(value),
          ]),
        )}
      />
    </Panel>
  );
}

function Training({
  card: { training, data, flavor, flavor_reason, agreement, size, classes, target, task },
}: {
  card: ModelCard;
}) {
  return (
    <Panel title="Made of">
      <Facts
        of={{
          Answers: `${target} (${words(task)}${classes.length > 0 ? `: ${classes.map(String).join(", ")}` : ""})`,
          Data: <Subject of={`datasets/${data.dataset.replace("@", "/versions/")}`} />,
          Rows: data.rows === null ? null : figure(data.rows),
          "Data checks": data.verdict ? <State of={data.verdict} /> : "none",
          Trainer: training.trainer,
          Parameters: Object.entries(training.params)
            .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
            .join(", "),
          Run: (
            <Link to="/runs/$id" params={{ id: training.run_id }}>
              …{training.run_id.slice(-8)}
            </Link>
          ),
          Seed: training.seed,
          Code: training.code_commit && <code>{training.code_commit.slice(0, 12)}</code>,
          Served: `${flavor}: ${flavor_reason}`,
          Agreement: agreement && `${percent(agreement.label_agreement)} of ${figure(agreement.rows)} rows`,
          Size: bytes(size),
          Notes: training.notes.join(" "),
        }}
      />
    </Panel>
  );
}

function Inputs({ card: { inputs } }: { card: ModelCard }) {
  return (
    <Panel title="Inputs" count={inputs.length}>
      <div className={styles.scroller} tabIndex={0} role="group" aria-label="Inputs">
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Type</th>
              <th scope="col">May be null</th>
              <th scope="col">Example</th>
            </tr>
          </thead>
          <tbody>
            {inputs.map(({ name, type, nullable, category, example }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  {type}
                  {category ? " (category)" : ""}
                </td>
                <td>{nullable ? "yes" : "no"}</td>
                <td>{example === null || example === undefined ? "–" : String(example)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
