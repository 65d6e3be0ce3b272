#pragma once
#include <functional>
#include <string>
#include <vector>

#include "host/effects/effects.hpp"

/// What the measurements share.

/// One open, write, close, without a fork. \throws std::runtime_error.
void raw_write(const std::string& path, const std::string& value);
/// How long the work takes, in microseconds.
long microseconds(const std::function<void()>& work);
/// \pre `values` is not empty.
long median(std::vector<long> values);

/// Times the reservation of `count` pages of 1 GiB on a node from an empty pool, done two ways in turn: hostsplit's
/// reserve_pages() and one raw write of the next number per page. \pre a job of Effects::apart()
/// \return medians in microseconds as JSON.
std::string measure_pages(const hostsplit::Root& root, hostsplit::Effects& effects, int node, int count, int rounds);
