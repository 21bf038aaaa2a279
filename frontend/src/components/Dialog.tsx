/** A box over the page: for a question before something that matters, and for forms. */
import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import styles from "./Dialog.module.css";

interface DialogProps {
  title: string;
  open: boolean;
  onClose: () => void;
  /** A form asks for more room than a question. */
  size?: "small" | "large";
  children: ReactNode;
}

export function Dialog({ title, open, onClose, size = "small", children }: DialogProps) {
  return (
    <ModalOverlay
      className={styles.veil ?? ""}
      isOpen={open}
      isDismissable
      onOpenChange={(next) => {
        if (!next) onClose();
      }}
    >
      <Modal className={`${styles.box ?? ""} ${styles[size] ?? ""}`}>
        <AriaDialog className={styles.dialog ?? ""}>
          <Heading slot="title" className={styles.title ?? ""}>
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** The buttons at the end of a dialog. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className={styles.buttons}>{children}</div>;
}
