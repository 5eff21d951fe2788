# The tour behind ./dev demo, sourced by it once a gate runs in build/demo. Every step prints what
# it does and checks what came of it; the first one that does not hold ends the tour with status 1.
directory=$PWD/build/demo
sallyport=$directory/sallyport
answer=$directory/answer

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  $ %s\n' "$*"; }
holds() { printf '  ok: %s\n' "$*"; }
fails() { printf '  FAILED: %s\n' "$*" >&2; exit 1; }

# call METHOD EXPECTED_STATUS: one call to the notes through the gate.
call() {
    local status
    show "curl -X $1 -H 'Authorization: Bearer RUN_TOKEN' $url/demo/v1/notes"
    status=$(curl -s -m 20 -o "$answer" -w '%{http_code}' -X "$1" \
        -H @"$directory/authorization" "$url/demo/v1/notes") || fails "the gate did not answer"
    sed 's/^/  | /' "$answer"
    [[ $status == "$2" ]] || fails "expected status $2, got $status"
}

# refused_with CODE: the last answer was the gate's refusal for that reason.
refused_with() {
    grep -q "\"code\": *\"$1\"" "$answer" || fails "expected the code $1"
    holds "refused by the gate: $1"
}

provider_calls() { grep -c ' HTTP/1.1" ' "$directory/provider.log" || true; }

step "1. The secret goes into the vault, and only there"
secret=$(<"$directory/demo/secret")
show "sallyport connection add --workspace acme --user ann --provider demo --scopes notes:read --secret-file -"
connection=$(printf %s "$secret" | "$sallyport" connection add --workspace acme --user ann \
    --provider demo --scopes notes:read --secret-file -)
[[ $connection == conn_* ]] || fails "no connection id: $connection"
holds "$connection"

step "2. A run gets a token that names the connection"
show "sallyport run start --workspace acme --user ann --app notes --run run-1 --connection $connection"
token=$("$sallyport" run start --workspace acme --user ann --app notes --run run-1 \
    --connection "$connection")
[[ $token == *.*.* ]] || fails "no run token"
(umask 077 && printf 'Authorization: Bearer %s\n' "$token" >"$directory/authorization")
straight=$(sed -n 's/^listening //p' "$directory/provider.log")/v1/notes
status=$(curl -s -m 20 -o "$answer" -w '%{http_code}' --cacert "$directory/demo/certificate.pem" \
    -H @"$directory/authorization" "$straight")
[[ $status == 401 ]] || fails "the provider took the run token for a key ($status)"
holds "the provider itself does not take that token: 401"

step "3. An allowed call: the gate adds the secret on the way"
call GET 200
grep -q '"notes"' "$answer" || fails "the notes did not come"
holds "the provider saw its own key and answered"

step "4. A call beyond the granted scopes never reaches the provider"
seen=$(provider_calls)
call POST 403
refused_with scope_missing
[[ $(provider_calls) == "$seen" ]] || fails "the provider saw the call"
holds "the provider saw nothing"

step "5. A revocation bites at once"
show "sallyport connection revoke $connection --wait"
"$sallyport" connection revoke "$connection" --wait | sed 's/^/  | /'
call GET 403
refused_with connection_revoked
[[ $(provider_calls) == "$seen" ]] || fails "the provider saw the call"
holds "same run, same token, a moment later"

step "6. It is all written down, and the trail proves itself"
kill -TERM "$gate"
wait "$gate" || fails "the gate did not stop cleanly"
gate=
trail=$directory/trail
show "sallyport audit verify build/demo/trail"
"$sallyport" audit verify "$trail" | sed 's/^/  | /'
for line in '"call.intent"' '"call.outcome"' '"scope_missing"' '"connection.revoked"' '"connection_revoked"'; do
    grep -qr "$line" "$trail" || fails "the trail has no line with $line"
done
holds "the calls, the refusals and the revocation are there"
if grep -qrF -e "$secret" -e "$token" "$trail" "$directory/gate.log" "$directory/vault.db"*; then
    fails "a secret stands in the trail, the log or the vault's file"
fi
holds "neither the secret nor the token stands in the trail, the log or the vault's file"

step "7. Whoever edits the trail is found out"
cp -r "$trail" "$directory/edited"
grep -lr '"scope_missing"' "$directory/edited" | xargs sed -i 's/"scope_missing"/"scope_existing"/'
show "sed -i s/scope_missing/scope_existing/ COPY/*.jsonl; sallyport audit verify COPY"
if "$sallyport" audit verify "$directory/edited" >"$answer" 2>&1; then
    fails "the edited copy verified"
fi
sed 's/^/  | /' "$answer"
holds "the edited copy does not verify"

step "The tour is over: every step held."
