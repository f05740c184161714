# Ask a local stack by curl. In the folder of the repository: `. docs/examples/ask.sh`
BASE=${BASE:-http://127.0.0.1:8105}     # the timeline
ROUTER=${ROUTER:-http://127.0.0.1:8104}

# token SCOPES [SUBJECT]: a bearer token of acme
token() { make -s token SCOPES="$1" SUBJECT="${2:-sato}"; }

# ask URL …: curl with $TOKEN
ask() { curl -sS -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@"; }

# … | pretty: an answer for people; … | pick '["id"]': one member of it
pretty() { python3 -m json.tool --no-ensure-ascii; }
pick() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }

# mail SUBJECT TEXT [FROM]: write to the company, as a new mail each time
mail() {
  printf '%s\n' "From: ${3:-taro.yamada@example.jp}" 'To: support@acme.example' "Subject: $1" \
    "Message-ID: <$(date +%s%N)@example.jp>" 'Content-Type: text/plain; charset=utf-8' '' "$2" |
    curl -sS --crlf "${SMTP:-smtp://127.0.0.1:2525}" --mail-from "${3:-taro.yamada@example.jp}" \
      --mail-rcpt support@acme.example --upload-file -
}

TOKEN=$(token 'timeline:read routing:read routing:supervise')
