/** The download of a version that is one file. */
import { useQuery } from "@tanstack/react-query";
import { contentHref, filesQuery, type Version } from "../api";
import styles from "../../../components/Button.module.css";

export function SingleFile({ version }: { version: Version }) {
  const { data } = useQuery(filesQuery(version.dataset, version.number));
  const file = data?.items[0];
  if (!file) return null;
  return (
    <a
      className={`${styles.button ?? ""} ${styles.plain ?? ""}`}
      href={contentHref(version.dataset, version.number, file.path)}
      download
    >
      Download
    </a>
  );
}
