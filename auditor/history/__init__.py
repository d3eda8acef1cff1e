"""Audits years of runs: finds every manifest version, grades it by the rules of its time and of today, and shows decay."""
