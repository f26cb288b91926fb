// For the type checker, which reads the package's own declarations.
export { default } from "uplot";
