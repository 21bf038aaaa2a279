/** Who may ask an endpoint. */
export const VISIBILITIES = [
  { value: "private", label: "private: a token with the scope predict" },
  { value: "internal", label: "internal: trusted networks" },
  { value: "public", label: "public: anybody, limited" },
];
