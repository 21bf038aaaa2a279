/** Every page of the dashboard and its address. Pages are loaded when they are first opened. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { parseSearch, stringifySearch } from "../lib/urlState";
import { LoopPage } from "./LoopPage";
import { NotFoundPage } from "./NotFoundPage";
import { PageFailed } from "./PageFailed";
import { Shell } from "./Shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage, errorComponent: PageFailed });

type Module<Name extends string> = Promise<Record<Name, () => React.ReactNode>>;

function page<const Path extends string, const Name extends string>(path: Path, name: Name, load: () => Module<Name>) {
  return createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load, name) });
}

const routeTree = root.addChildren([
  createRoute({ getParentRoute: () => root, path: "/", component: LoopPage }),
  page("/datasets", "DatasetsPage", () => import("./datasets/DatasetsPage")),
  page("/datasets/$name", "DatasetPage", () => import("./datasets/DatasetPage")),
  page("/datasets/$name/versions/$number", "DatasetVersionPage", () => import("./datasets/DatasetVersionPage")),
  page("/datasets/$name/diff", "DatasetDiffPage", () => import("./datasets/DatasetDiffPage")),
  page("/experiments", "ExperimentsPage", () => import("./experiments/ExperimentsPage")),
  page("/experiments/$name", "ExperimentPage", () => import("./experiments/ExperimentPage")),
  page("/runs", "RunsPage", () => import("./runs/RunsPage")),
  page("/runs/$id", "RunPage", () => import("./runs/RunPage")),
  page("/compare", "ComparePage", () => import("./runs/ComparePage")),
  page("/sweeps/$id", "SweepPage", () => import("./runs/SweepPage")),
  page("/models", "ModelsPage", () => import("./models/ModelsPage")),
  page("/models/$name", "ModelPage", () => import("./models/ModelPage")),
  page("/models/$name/versions/$number", "ModelVersionPage", () => import("./models/ModelVersionPage")),
  page("/promotions/$id", "PromotionPage", () => import("./models/PromotionPage")),
  page("/endpoints", "EndpointsPage", () => import("./endpoints/EndpointsPage")),
  page("/endpoints/$name", "EndpointPage", () => import("./endpoints/EndpointPage")),
  page("/rollouts/$id", "RolloutPage", () => import("./endpoints/RolloutPage")),
  page("/predictions/$id", "PredictionPage", () => import("./endpoints/PredictionPage")),
  page("/batch-predictions", "BatchesPage", () => import("./endpoints/BatchesPage")),
  page("/monitoring", "MonitoringPage", () => import("./monitoring/MonitoringPage")),
  page("/monitoring/$name", "EndpointMonitoringPage", () => import("./monitoring/EndpointMonitoringPage")),
  page("/alerts/$id", "AlertPage", () => import("./monitoring/AlertPage")),
  page("/pipelines", "PipelinesPage", () => import("./pipelines/PipelinesPage")),
  page("/pipelines/$name", "PipelinePage", () => import("./pipelines/PipelinePage")),
  page("/pipeline-runs/$id", "PipelineRunPage", () => import("./pipelines/PipelineRunPage")),
  page("/jobs", "JobsPage", () => import("./jobs/JobsPage")),
  page("/jobs/$id", "JobPage", () => import("./jobs/JobPage")),
  page("/events", "EventsPage", () => import("./events/EventsPage")),
  page("/lineage", "LineagePage", () => import("./lineage/LineagePage")),
  page("/settings", "SettingsPage", () => import("./settings/SettingsPage")),
]);

export function makeRouter() {
  return createRouter({ routeTree, parseSearch, stringifySearch, defaultPreload: "intent", scrollRestoration: true });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
