#!/bin/sh
# Encrypt, verify, wrap and deliver each export; what was delivered already is not sent again.
#
# Usage: nightly.sh PROJECT, where schema.toml, piienc.toml and exports/ are. The passphrase of the
# keys is in the file that PASSPHRASE_FILE names, or is a credential of the systemd service.
set -eu
umask 077
cd "$1"
secret=${PASSPHRASE_FILE:-${CREDENTIALS_DIRECTORY:?no PASSPHRASE_FILE and no credential}/passphrase}
mkdir -p outgoing
for export in exports/*.csv; do
    [ -e "$export" ] || exit 0
    name=$(basename "$export" .csv)
    [ ! -e "outgoing/$name.csv.pgp" ] || continue
    encrypted=outgoing/$name.csv
    rm -f "$encrypted" # of a run that was cut off
    piienc encrypt-file "$export" "$encrypted" --schema schema.toml --passphrase-file "$secret" \
        --no-input --quiet
    piienc verify "$encrypted" --schema schema.toml --against "$export" \
        --passphrase-file "$secret" --no-input --quiet
    piienc wrap-file "$encrypted" "$encrypted.pgp" --recipient partner --no-input --quiet
    rm "$encrypted"
done
exec piienc push outgoing/*.pgp --to partner --no-input
