# The commands of this repository. `make` alone explains them.

.DEFAULT_GOAL := help
.PHONY: help run release test matrix conformance bench profile fuzz mutants fmt lint generate docs certs certs-jwt certs-jwt-ecdsa certs-all

help: ## Show this list
	@echo "ContextForge: one binary that serves MCP servers to MCP clients."
	@echo
	@echo "First time here?  make run   builds and starts it, and prints what to paste into your client."
	@echo "Changing code?    make test  checks everything that a submission has to pass."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build (release) and start on 127.0.0.1:4444 with a demonstration server; data in ./data
	cargo build --release --locked --package contextforge
	exec "$${CARGO_TARGET_DIR:-target}/release/contextforge" serve --demo

release: ## Build what is to be deployed: optimized by the profile of a gateway at work; longer to build, faster to run
	@scripts/release.sh --package contextforge

test: ## Everything: format, lints, rules, tests on SQLite and PostgreSQL, real clients and servers
	@scripts/test.sh

matrix: ## Only the real clients against the real servers, through the gateway
	@scripts/test.sh matrix

conformance: ## Only the protocol's own test suite, through the gateway; writes target/conformance.json
	@scripts/test.sh conformance

bench: ## Measure against the bare upstream and nginx; writes docs/benchmarks.md (QUICK=1: a short look)
	@scripts/bench.sh

profile: ## Take anew the profile that release builds are optimized by (bench/contextforge.profdata); needs llvm-profdata
	@scripts/profile.sh

fuzz: ## Each fuzz target for FUZZ_SECONDS (30); TARGETS="token sse" for some; needs nightly Rust and cargo-fuzz
	@scripts/fuzz.sh

mutants: ## Whether a test notices each small change of the policy and the tokens; needs cargo-mutants; takes half an hour
	@scripts/mutants.sh

fmt: ## Format the code
	cargo fmt --all

lint: ## Formatting, clippy and the rules of the repository
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo xtask tidy

generate: ## Write the generated files again (configuration reference, routes, OpenAPI, permissions)
	UPDATE_GENERATED=1 cargo test --locked --package contextforge generated

docs: generate ## The generated files and the API documentation of the crates
	cargo doc --workspace --no-deps --locked

keys := cargo run --quiet --locked --package contextforge -- keys generate

certs: ## A self-signed TLS certificate for tests: certs/{cert,key}.pem
	@$(keys) tls --out certs

certs-jwt: ## An RSA pair that signs tokens (RS256): certs/jwt/{private,public}.pem
	@$(keys) rsa --out certs/jwt

certs-jwt-ecdsa: ## An ECDSA pair that signs tokens (ES256): certs/jwt/{ec_private,ec_public}.pem
	@$(keys) ecdsa --out certs/jwt

certs-all: certs certs-jwt ## The certificate and the RSA pair
