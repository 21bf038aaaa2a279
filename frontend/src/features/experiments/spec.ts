/** What to train, as the form holds it and as the server reads it. */
import { toYaml } from "../../lib/yaml";

export const TASKS = ["regression", "classification", "text_classification"] as const;
export const TRAINERS = ["gradient_boosting", "random_forest", "linear", "tfidf_logistic"] as const;

export interface TrainForm {
  dataset: string;
  version: string;
  trainer: string;
  task: string;
  target: string;
  /** Separated by commas; empty for every column but the target. */
  features: string;
  /** A map in YAML or JSON; empty for the trainer's own values. */
  params: string;
  model: string;
}

export const EMPTY: TrainForm = {
  dataset: "",
  version: "",
  trainer: "gradient_boosting",
  task: "regression",
  target: "",
  features: "",
  params: "",
  model: "",
};

/** The spec as YAML, or undefined while something is missing. Parameters go in as they were typed: JSON is YAML too. */
export function specText(form: TrainForm): string | undefined {
  const [dataset, version, target] = [form.dataset.trim(), form.version.trim(), form.target.trim()];
  if (!dataset || !version || !target) return undefined;
  const features = form.features
    .split(/[,\n]/)
    .map((name) => name.trim())
    .filter(Boolean);
  const model = form.model.trim();
  const spec = {
    dataset: `${dataset}@${version}`,
    trainer: form.trainer,
    task: form.task,
    target,
    ...(features.length > 0 ? { features } : {}),
    ...(model ? { model } : {}),
  };
  const params = form.params.trimEnd().replaceAll("\t", "  ");
  const indented = params
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
  return toYaml(spec) + (params.trim() ? `params:\n${indented}\n` : "");
}
