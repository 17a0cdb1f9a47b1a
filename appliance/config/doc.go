// Package config turns the operator's TOML files into plain structs, or into a list of everything that is wrong with
// them: the appliance's own file (Load, Parse) and the keys of a capture (LoadKeys, ParseKeys).
//
// One schema table per TOML table names every key with its kind, default and meaning. It drives the decoder, the errors
// and Help, so that the three cannot disagree. The TOML library is used for syntax only: the generic tree it returns is
// walked against the schema, because its own struct decoding matches keys without regard to case and leaves a struct half
// filled when a type is wrong. A small scanner finds the line of every key.
//
// Nothing is half done: a function returns either a complete value, or nil and an *Errors with up to MaxProblems
// problems. Key material and shared secrets never appear in an error, a warning, a String or JSON.
//
// Of the files that a [[connection]] names only shared secrets are read here, so that all secrets pass one check of the mode
// and one type that does not print them. Certificates, private keys and identities are for package ike/auth to understand;
// here their files are only found.
package config
