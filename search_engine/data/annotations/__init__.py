"""Lists of labels as people and other tools write them: CSV, JSON lines, COCO, Label Studio."""
