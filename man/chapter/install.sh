#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs FOLDER as FOLDER-THERE below the prefix; Meson's own functions take
# only what is in the source. usage: install.sh FOLDER FOLDER-THERE
set -eu
there=$MESON_INSTALL_DESTDIR_PREFIX/$2
mkdir -p "$there"
cp -R "$1/." "$there"
chmod -R u=rwX,go=rX "$there"
