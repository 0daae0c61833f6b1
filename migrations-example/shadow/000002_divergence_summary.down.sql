drop view divergence_summary;
