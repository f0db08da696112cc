"""Lists made by other tools and on systems without an agent, read with `--file` alone."""

from quitus_agent.foreign import amcache, dpkg_query, glpi, hotfixes, nix, unix
from quitus_agent.inventory import Listing

LISTINGS: tuple[Listing, ...] = (
    amcache.LISTING,
    dpkg_query.LISTING,
    glpi.LISTING,
    hotfixes.LISTING,
    nix.LISTING,
    *unix.LISTINGS,
)
