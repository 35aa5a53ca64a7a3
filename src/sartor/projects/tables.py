"""One row a project."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from sartor.kit.database import IDS_ARE_NEW, Base, Moment, now


class Project(Base):
    __tablename__ = "projects"
    __table_args__ = IDS_ARE_NEW

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(sa.ForeignKey("organisations.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    ip_name: Mapped[str | None] = mapped_column(sa.String(200))
    ip_description: Mapped[str | None] = mapped_column(sa.String(500))
    # photography, illustration
    ip_medium: Mapped[str] = mapped_column(sa.String(20))
    # multi_object_set, object_variants, icons, defined_character, character_variants, stylized_scene, other
    ip_type: Mapped[str] = mapped_column(sa.String(30))
    # Since when it is being deleted: nobody finds it any more, and the row goes last.
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now)
