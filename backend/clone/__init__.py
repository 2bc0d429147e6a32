"""The default clone engine: capture a disk layout, build the installer, admit one machine."""
