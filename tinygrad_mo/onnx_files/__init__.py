"""Networks in ONNX files, the format that most frameworks write and read."""
