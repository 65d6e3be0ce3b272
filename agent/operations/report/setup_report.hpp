#pragma once
#include <string>

#include "operations/report/colour.hpp"
#include "operations/setup.hpp"

namespace hostsplit {

/// The VMs to choose from, with name, memory and state; the proposed ones are marked.
std::string guests_text(const SetupOffer& offer, const Paint& paint);
/// Who gets which sockets, and what was left out and why.
std::string sockets_text(const Proposal& proposal, const Paint& paint);
/// Each VM's part with the reason of each choice.
std::string proposal_text(const Proposal& proposal, const Paint& paint);
/// What changes in hostsplit.toml, with three lines around each change; empty where nothing does.
std::string config_diff_text(const SetupOffer& offer, const Paint& paint);
/// The page before the last question: the proposal, hostsplit.toml, Proxmox VE, the host now and at the next boot,
/// findings, and the way back. Or why there is no split.
std::string setup_text(const SetupOffer& offer, const Paint& paint);
/// The same as one document: docs/json.md. \param done  it was carried out
std::string setup_json(const SetupOffer& offer, bool done);

}  // namespace hostsplit
